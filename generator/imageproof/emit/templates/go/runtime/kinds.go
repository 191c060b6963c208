
import (
	"context"
	"os"
)

// APIConnectionError says that the server could not be reached, or that the connection broke.
type APIConnectionError struct{ APIError }

// Unwrap is the error as a more general one.
func (e *APIConnectionError) Unwrap() error { return &e.APIError }

// APITimeoutError says that the server did not answer in time. It may have done the work all the same. It is a
// [net.Error], and errors.Is finds [context.DeadlineExceeded] in it.
type APITimeoutError struct{ APIConnectionError }

// Timeout is true.
func (e *APITimeoutError) Timeout() bool { return true }

// Temporary is false: the work may have been done, so that asking again may cost twice.
func (e *APITimeoutError) Temporary() bool { return false }

// Is says that [context.DeadlineExceeded] and [os.ErrDeadlineExceeded] are such errors.
func (e *APITimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// Unwrap is the error as a more general one.
func (e *APITimeoutError) Unwrap() error { return &e.APIConnectionError }

// APIResponseValidationError says that an answer says success, but holds none.
type APIResponseValidationError struct{ APIError }

// Unwrap is the error as a more general one.
func (e *APIResponseValidationError) Unwrap() error { return &e.APIError }

// APIStatusError says that the server refused or failed.
type APIStatusError struct{ APIError }

// Unwrap is the error as a more general one.
func (e *APIStatusError) Unwrap() error { return &e.APIError }

// BadRequestError is 400: the request is wrong, or a filter or the account refused it.
type BadRequestError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *BadRequestError) Unwrap() error { return &e.APIStatusError }

// InvalidParameterError is 400 that names the parameter at fault, in Param.
type InvalidParameterError struct{ BadRequestError }

// Unwrap is the error as a more general one.
func (e *InvalidParameterError) Unwrap() error { return &e.BadRequestError }

// ModerationError is 400: a filter stopped the prompt, an input or the result. Asking again is of no use.
type ModerationError struct {
	BadRequestError
	// Stage is "input", "output" or "unknown", "" where the server does not say.
	Stage string
	// Categories are what it was taken for, such as "violence".
	Categories []string
}

// Unwrap is the error as a more general one.
func (e *ModerationError) Unwrap() error { return &e.BadRequestError }

// AuthenticationError is 401: the key is missing or wrong.
type AuthenticationError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *AuthenticationError) Unwrap() error { return &e.APIStatusError }

// PermissionDeniedError is 403: the key may not do this.
type PermissionDeniedError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *PermissionDeniedError) Unwrap() error { return &e.APIStatusError }

// NotFoundError is 404: there is no such thing, or the server does not offer the call.
type NotFoundError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *NotFoundError) Unwrap() error { return &e.APIStatusError }

// ConflictError is 409: the request conflicts with another one.
type ConflictError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *ConflictError) Unwrap() error { return &e.APIStatusError }

// UnprocessableEntityError is 422: the request is well formed, and wrong.
type UnprocessableEntityError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *UnprocessableEntityError) Unwrap() error { return &e.APIStatusError }

// RateLimitError is 429: too many requests, or more than was paid for.
type RateLimitError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *RateLimitError) Unwrap() error { return &e.APIStatusError }

// InternalServerError is 500 and above: the server failed.
type InternalServerError struct{ APIStatusError }

// Unwrap is the error as a more general one.
func (e *InternalServerError) Unwrap() error { return &e.APIStatusError }
