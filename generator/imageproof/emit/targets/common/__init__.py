"""What every language target asks of a description: walks over it, the calls' names, the tables that clients carry."""
