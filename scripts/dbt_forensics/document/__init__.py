"""What the documents of all commands have in common: exact numbers, masked rows, causes in words, JSON text."""
