module imageproofclient

go 1.23
