"""Reads, checks, repairs and writes NIR files, and says what they leave open."""
