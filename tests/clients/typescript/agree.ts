// The modules of a package are what its declarations say. Those whose constructors users do not call are compared by what
// they are, not by how they are made.
import * as made from "./made.js";
import type * as told from "./types/index.js";

export const all: Omit<typeof told, "APIPromise" | "BaseClient" | "ListPromise" | "Stream"> = made;
export const client = (one: made.BaseClient): told.BaseClient => one;
export const promise = (one: made.APIPromise<number>): told.APIPromise<number> => one;
export const list = (one: made.ListPromise<number[], number>): told.ListPromise<number[], number> => one;
export const stream = (one: made.Stream<number, 1, 2>): told.Stream<number, 1, 2> => one;
