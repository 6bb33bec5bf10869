"""What becomes of a published version: the gates before `latest`, a person's word on it, what it changed."""
