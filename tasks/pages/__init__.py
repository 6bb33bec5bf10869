"""What the pages and cards of every stage are made of: templates, style, plain words and small pictures."""
