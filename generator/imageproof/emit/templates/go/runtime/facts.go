
// service is what a document says of its API as a whole: default base URL, paths without parameters, where the key goes,
// names of the environment's key and base URL, headers that tell who pays, members that hold files in base64.
type service struct {
	baseURL     string
	paths       []string
	authHeader  string
	authPrefix  string
	keyVariable string
	urlVariable string
	accounts    []account
	inline      []string
	check       func(*operation, *call, *settings) error
}

// operation is one call of the API. commas are lists that travel as one text. Of a form, files, lists and documents are
// as formOf takes them; json are the arguments that only the JSON body jsonMediaType knows. whole says that the
// argument "body" is the whole body, raw that it is a file. Of a stream, stream is the argument that asks for it,
// member tells events apart, and last are its values that may end it. text is an answer of plain text, null one that
// may be null; holder is the member that lists the files for whose sake the call is made.
type operation struct {
	name, verb, path string
	commas           []string
	mediaType        string
	files            []string
	lists            map[string]string
	documents        []string
	json             []string
	jsonMediaType    string
	whole, raw       bool
	accept           string
	stream           string
	member           string
	last             []string
	null             bool
	holder           string
}
