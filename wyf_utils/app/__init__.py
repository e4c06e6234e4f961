"""What answers a person: one call for page, notebook and command line."""
