// Reading ahead: engines drop what has arrived and was not read yet when a connection breaks, and it may be a picture.

const MOST = 64 * 1024 * 1024; // bytes that wait for a slow reader; then the server has to

/** Pieces of a body, read as they arrive. */
export class Ahead {
  /** @type {Uint8Array[]} */
  #pieces = [];
  #size = 0;
  #over = false;
  /** @type {{ error: unknown } | undefined} */
  #broken;
  #wake = () => {};

  /**
   * @param {() => Promise<Uint8Array | undefined>} next Gives the next piece, undefined at the end.
   * @param {() => void} pause Called where it waits for its reader, which is no silence of the server.
   */
  constructor(next, pause) {
    void this.#run(next, pause);
  }

  /**
   * @param {() => Promise<Uint8Array | undefined>} next
   * @param {() => void} pause
   */
  async #run(next, pause) {
    try {
      for (let piece = await next(); piece; piece = await next()) {
        this.#pieces.push(piece);
        this.#size += piece.length;
        this.#wake();
        if (this.#size > MOST) pause();
        while (this.#size > MOST) await this.#turn();
      }
    } catch (error) {
      this.#broken = { error };
    }
    this.#over = true;
    this.#wake();
  }

  /** @returns {Promise<void>} */
  #turn() {
    return new Promise((resolve) => {
      this.#wake = resolve; // one side waits at a time: the reader for a piece, or for the reader
    });
  }

  /**
   * The next piece, undefined at the end. Throws what ended it too early, once all that came was given.
   *
   * @returns {Promise<Uint8Array | undefined>}
   */
  async read() {
    while (!this.#pieces.length && !this.#over) await this.#turn();
    const piece = this.#pieces.shift();
    if (!piece && this.#broken) throw this.#broken.error;
    this.#size -= piece?.length ?? 0;
    this.#wake();
    return piece;
  }
}
