"""The reference provider: the whole contract as a server that draws real pictures and needs no network."""
