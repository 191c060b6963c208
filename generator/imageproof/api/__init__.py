"""A document read into a frozen description of an API that no language and no OpenAPI keyword colours."""
