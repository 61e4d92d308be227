"""Pictures for people: plots of what an asset holds."""
