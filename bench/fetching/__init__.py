"""Claims about fetching: speed, memory and manners, beside img2dataset."""
