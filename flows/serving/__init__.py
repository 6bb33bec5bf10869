"""Pages that a browser asks a server of Cairn for: reports of a root, and questions to people about triplets."""
