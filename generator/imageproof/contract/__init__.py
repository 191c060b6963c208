"""spec/ read into checked data: the one truth that generator, suite and provider share."""
