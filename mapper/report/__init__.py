"""What a person and a program read: values -> a dictionary (facts) -> a page of text."""
