// What users of this client meet beside its calls and the values of the API.

/** Bytes that are not shared with another thread; a plain Uint8Array for compilers before TypeScript 5.7. */
export type Bytes = ReturnType<typeof Uint8Array.of>;

/** First bytes of a file, and what they tell. */
export interface Picture {
  /** By its first bytes; "" for anything else. */
  readonly format: "png" | "jpeg" | "webp" | "gif" | "svg" | "";
  /** Pixels once upright, 0 where they are not known. */
  readonly width: number;
  readonly height: number;
  /** Whether it has an alpha channel. */
  readonly alpha: boolean;
}

export interface DownloadOptions {
  /** Milliseconds for the whole download, null for no limit; 60,000 without it. */
  timeout?: number | null | undefined;
  /** Bytes at which it stops; 256 MiB without it. */
  maxBytes?: number | undefined;
  /** Ends the download with an APIUserAbortError. */
  signal?: AbortSignal | null | undefined;
}

/** An object of an answer that carries a file, in base64 or behind a URL. */
export interface CarriedFile {
  /** What the header of the file says. It is not decoded, and nothing is fetched for it. */
  readonly picture: Picture;
  /**
   * The bytes of the file, from its base64 or else downloaded from its URL, once and without the key.
   *
   * Throws APIResponseValidationError when there is no file, when it cannot be decoded, or when a page of HTML, JSON or
   * text is behind the URL; APIConnectionError or APIStatusError when it cannot be fetched.
   */
  toBytes(options?: DownloadOptions): Promise<Bytes>;
  /**
   * Write the file, and say where. A path without an extension gets the one that the bytes call for; an empty file is
   * never written. Not in browsers.
   */
  save(path: string | URL, options?: DownloadOptions): Promise<string>;
  /** The file as a data URL, such as pages show and JSON edits take. */
  dataURL(options?: DownloadOptions): Promise<string>;
}

/** A file that knows its size, where no member of the answer goes by these names. */
export interface SizedFile extends CarriedFile {
  /** Pixels from the header of the file; undefined where they are not known. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** By the first bytes of the file; "" for anything else. */
  readonly format: Picture["format"];
}

/**
 * What a file to send may be: its bytes, a Blob or File, a picture of an answer, an answer of fetch, a stream, or, where
 * there is a file system, a path.
 */
export type FileContent =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | CarriedFile
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

/**
 * A file to send, or what will be one, such as `fetch(url)` and `fs.openAsBlob(path)`.
 *
 * The media type is that of the Blob or File, else read from the bytes. `toFile` gives a name to what has none. A path is
 * read while it is sent, so that a large file takes no memory; a stream is read before.
 */
export type FileInput = FileContent | PromiseLike<FileContent>;

/** A File of any content, with a name and perhaps a media type. */
export declare function toFile(content: FileInput, name?: string | null, options?: { type?: string }): Promise<File>;

/** A file as a data URL; its media type is read from its bytes. */
export declare function dataURL(content: Uint8Array): string;

/**
 * A PNG mask for a picture: transparent, so edited, inside the boxes, and opaque everywhere else. Boxes are pixels from 0;
 * right and bottom are outside. Throws RangeError for a picture whose size is not known, for no box, and for one that is
 * empty or not inside the picture.
 */
export declare function makeMask(
  image: FileInput,
  ...boxes: (readonly [left: number, top: number, right: number, bottom: number])[]
): Promise<Bytes>;

/** Throws RangeError for a mask that servers refuse: without alpha, opaque all over, or of another size. */
export declare function checkMask(mask: FileInput, image: FileInput): Promise<void>;

/** What becomes of a request that breaks rules of its model's family. */
export type Validate = "warn" | "error" | "off";
/** A model family for models that no family names, or names of models with theirs. */
export type FamilyOption = string | Readonly<Record<string, string>>;
/** null takes a header away that would be sent otherwise. */
export type HeadersGiven = Headers | Readonly<Record<string, string | null | undefined>>;

export interface ClientOptions {
  /**
   * The key, or a function that gives one for each request, such as a token that expires; without it that of the
   * environment, where there is one. "" sends none.
   */
  apiKey?: string | (() => string | PromiseLike<string>) | null | undefined;
  /**
   * Host, base or whole URL of the server; without it that of the environment, or the service's own. A query behind it
   * goes with every call. In a browser a path is one of the page's own server.
   */
  baseURL?: string | URL | null | undefined;
  /** Who pays, for keys of several. The environment tells it for the service's own host alone. */
  organization?: string | null | undefined;
  project?: string | null | undefined;
  /**
   * Milliseconds to wait for an answer, or for the next bytes of a stream; null waits for ever. 600,000 without it. A
   * comment by which a server says that it is still at work counts, so the time of a whole stream is not limited:
   * `signal` is for that.
   */
  timeout?: number | null | undefined;
  /** How often a call is repeated that failed in a way which costs nothing: 2 without it. README has the table. */
  maxRetries?: number | undefined;
  defaultHeaders?: HeadersGiven | undefined;
  defaultQuery?: Readonly<Record<string, unknown>> | undefined;
  /** Called before each repetition. */
  onRetry?: ((retry: Retry) => void) | undefined;
  /** "warn", once for each rule, without it. */
  validate?: Validate | undefined;
  family?: FamilyOption | undefined;
  /** A fetch of your own, for proxies, certificates and tests. */
  fetch?: typeof fetch | undefined;
  /** Sent along with every fetch; what says which way connections go is used for downloads too. */
  fetchOptions?: FetchOptions | undefined;
  /** Without it a client in a browser refuses a key, which everyone could read there. */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/**
 * Options of fetch, and beside them those by which Node (`dispatcher`), Bun (`proxy`, `tls`, `unix`) and Deno (`client`) are
 * told which way connections go. What the client sets itself is not among them.
 */
export type FetchOptions = Omit<RequestInit, "body" | "dispatcher" | "headers" | "method" | "redirect" | "signal"> & {
  dispatcher?: unknown;
  proxy?: unknown;
  tls?: unknown;
  unix?: string;
  client?: unknown;
};

export interface AzureOptions extends Omit<ClientOptions, "baseURL"> {
  /** Such as https://NAME.openai.azure.com, or the whole Target URI of the portal, which has all that a call needs. */
  endpoint: string;
  /** Sent with every call, as `api-version`. Needed, unless the endpoint tells it or is of the v1 kind. */
  apiVersion?: string | undefined;
  /** Of all calls; without it, and where the endpoint names none, each call goes to the one that its model names. */
  deployment?: string | undefined;
}

/** What every call takes beside its parameters. */
export interface RequestOptions {
  /** Sent beside what the call itself sends, and instead of it. */
  headers?: HeadersGiven | undefined;
  query?: Readonly<Record<string, unknown>> | undefined;
  body?: Readonly<Record<string, unknown>> | undefined;
  /** As for the client. */
  timeout?: number | null | undefined;
  maxRetries?: number | undefined;
  /** Ends the call with an APIUserAbortError. The server may go on, and charge. */
  signal?: AbortSignal | null | undefined;
  validate?: Validate | undefined;
  /** Model family whose rules count, for an alias. */
  family?: string | undefined;
}

/** Why a call failed, as the table in README has it. */
export type Reason = "unsent" | "busy" | "unavailable" | "hopeless" | "told" | "failed" | "broken" | "other";

/** Reason -> whether calls that only read are repeated, and whether others are. */
export declare const POLICY: Readonly<Record<Reason, readonly [reading: boolean, making: boolean]>>;

/** A call that is about to be repeated. */
export interface Retry {
  /** For which time, from 1. */
  readonly attempt: number;
  /** Milliseconds until then. */
  readonly delay: number;
  readonly reason: Reason;
  /** The error that it would have thrown. */
  readonly error: APIError;
}

/** One broken rule of a model family. */
export interface Breach {
  /** Its id in the contract. */
  readonly rule: string;
  readonly parameter: string;
  readonly message: string;
  /** Values that are allowed; empty where they are not listed. */
  readonly allowed: readonly unknown[];
}

/** An answer with the id of its exchange, where the server gave one. */
export type WithRequestID<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? T & { readonly _request_id?: string | null }
    : T;

/** An answer that is waited for. */
export declare class APIPromise<T> extends Promise<T> {
  /** The answer as it came, with its body unread. Ask for it at once, in the same expression as the call. */
  asResponse(): Promise<Response>;
  /** The answer, and what was around it. */
  withResponse(): Promise<{ data: T; response: Response; request_id: string | null }>;
}

/** An answer that lists things, which can be gone through at once: `for await (const one of client.models.list())`. */
export declare class ListPromise<T, I> extends APIPromise<T> implements AsyncIterable<I> {
  [Symbol.asyncIterator](): AsyncGenerator<I, void>;
}

/**
 * Events of one answer, in the order in which they come. Iterate once; leaving the loop closes it.
 *
 * `F` are the events that bring finished pictures, `P` those that bring pictures in the making.
 *
 * Throws APIError when the server reports a failure (ModerationError for a filter), APIConnectionError or APIConnectionTimeoutError when the connection
 * breaks or falls silent, APIUserAbortError when it was aborted, and APIResponseValidationError when the events end too
 * soon. Each has in `finished` what had arrived.
 */
export declare class Stream<T, F = T, P = T> implements AsyncIterable<T> {
  readonly controller: AbortController;
  readonly requestID: string | null;
  [Symbol.asyncIterator](): AsyncIterator<T, void>;
  /** Stop listening. The server may go on, and charge. */
  close(): void;
  /** The events that brought finished pictures so far: they were paid for, even if the stream then breaks. */
  readonly finished: readonly F[];
  /**
   * The event that brings the finished picture, the last of several, read before or not; reads the stream to its end.
   * A picture that has arrived is given also where the stream breaks after it.
   */
  finalImage(): Promise<F>;
  /** The events that bring finished pictures, one for each, read before or not; reads the stream to its end. */
  finalImages(): Promise<F[]>;
  /** The events that bring pictures in the making, as they arrive; reads the stream to its end. */
  partialImages(): AsyncGenerator<P, void>;
}

/** The root of all errors of this client, but for the TypeError of an argument that cannot be sent. */
export declare class ClientError extends Error {
  /** What was thrown before, such as the error of fetch, without keys; or why the caller ended the call. */
  readonly cause?: unknown;
}
/** Something went wrong with a call. */
export declare class APIError extends ClientError {
  constructor(message: string);
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined;
  /** Members of the error that the server sent. */
  readonly code: string | null | undefined;
  readonly param: string | null | undefined;
  readonly type: string | null | undefined;
  /** The error object of the answer, else its whole JSON, else its text; undefined without an answer. */
  readonly error: unknown;
  /** Text of the answer, as far as it came; "" without one. */
  readonly raw: string;
  /** Id of the exchange, where the server gave one; undefined without an answer. */
  readonly requestID: string | null | undefined;
  readonly headers: Headers | undefined;
  /** Pictures that had arrived before a stream broke: the events that brought them. They are paid for. */
  readonly finished: readonly CarriedFile[];
}
/** The caller ended the call. */
export declare class APIUserAbortError extends APIError {}
/** The server could not be reached, or the connection broke. */
export declare class APIConnectionError extends APIError {}
/** The server did not answer in time. It may have done the work all the same. */
export declare class APIConnectionTimeoutError extends APIConnectionError {}
/** The answer says success, but holds none: it is not JSON, an error, or without a picture. */
export declare class APIResponseValidationError extends APIError {}
/** The request breaks rules of its model family, and was not sent; with validate "error" alone. */
export declare class RequestRuleError extends APIError {
  readonly breaches: readonly Breach[];
}
/** The server refused or failed: a status other than 2xx. */
export declare class APIStatusError extends APIError {}
/** 400: the request is wrong, or a filter or the account refused it. */
export declare class BadRequestError extends APIStatusError {}
/** 400 that names the parameter at fault, in `param`. */
export declare class InvalidParameterError extends BadRequestError {}
/** 400, or an event of a stream: a filter stopped the prompt, an input or the result. Asking again is of no use. */
export declare class ModerationError extends BadRequestError {
  /** "input", "output" or "unknown"; "" where the server does not say. */
  readonly stage: string;
  /** What it was taken for, such as "violence"; empty where the server does not say. */
  readonly categories: readonly string[];
}
/** 401: the key is missing or wrong. */
export declare class AuthenticationError extends APIStatusError {}
/** 403: the key may not do this. */
export declare class PermissionDeniedError extends APIStatusError {}
/** 404: there is no such thing, or the server does not offer the call. */
export declare class NotFoundError extends APIStatusError {}
/** 409: the request conflicts with another one. */
export declare class ConflictError extends APIStatusError {}
/** 422: the request is well formed, and wrong. */
export declare class UnprocessableEntityError extends APIStatusError {}
/** 429: too many requests, or more than was paid for. */
export declare class RateLimitError extends APIStatusError {}
/** 500 and above: the server failed. */
export declare class InternalServerError extends APIStatusError {}

/** What every client is. */
export declare class BaseClient {
  static readonly ClientError: typeof ClientError;
  static readonly APIError: typeof APIError;
  static readonly APIUserAbortError: typeof APIUserAbortError;
  static readonly APIConnectionError: typeof APIConnectionError;
  static readonly APIConnectionTimeoutError: typeof APIConnectionTimeoutError;
  static readonly BadRequestError: typeof BadRequestError;
  static readonly AuthenticationError: typeof AuthenticationError;
  static readonly PermissionDeniedError: typeof PermissionDeniedError;
  static readonly NotFoundError: typeof NotFoundError;
  static readonly ConflictError: typeof ConflictError;
  static readonly UnprocessableEntityError: typeof UnprocessableEntityError;
  static readonly RateLimitError: typeof RateLimitError;
  static readonly InternalServerError: typeof InternalServerError;
  static readonly toFile: typeof toFile;
  constructor(options?: ClientOptions);
  /** Where calls go. */
  readonly baseURL: string;
  /** A client of the same kind with other options. Headers and query add to those of this one; the query of a URL goes with it. */
  withOptions(options: Partial<ClientOptions>): this;
  /** A client of an Azure-style server: the key goes as `api-key`, paths name a deployment. */
  static azure<C>(this: new (options?: ClientOptions) => C, options: AzureOptions): C;
}
