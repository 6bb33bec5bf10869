"""What a curation will take: time, memory and disk, estimated before it runs."""
