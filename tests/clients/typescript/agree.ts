// The modules of a package are what its declarations say. Those whose constructors users do not call are compared by what
// they are, not by how they are made.
import * as made from "./made.js";
import type * as told from "./types/index.js";

export const all: Omit<typeof told, "APIPromise" | "BaseClient" | "Stream"> = made;
export const client = (one: made.BaseClient): told.BaseClient => one;
export const promise = (one: made.APIPromise<number>): told.APIPromise<number> => one;
export const stream = (one: made.Stream<number>): told.Stream<number> => one;
