module imageproof.test/clients

go 1.23

require imageproofclient v0.0.0

replace imageproofclient => ../../../generated/go
