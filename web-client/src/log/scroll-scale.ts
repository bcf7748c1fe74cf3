/** Browsers cap the height of an element; a taller log is scrolled through a space of this height. */
export const tallestPx = 15_000_000;

/**
 * Where in the log its reader is, when the log may be taller than what can be scrolled. Small moves go as far in the log as
 * in the box; a jump, such as with the scrollbar's thumb, goes to the same part of both.
 */
export class ScrollScale {
  #total = 0;
  #view = 0;
  #top = 0;
  #scrollTop = 0;

  /** Height of the space to scroll in. */
  get height(): number {
    return Math.min(this.#total, tallestPx);
  }

  /** What the top of the box shows, in pixels from the log's beginning. */
  get top(): number {
    return this.#top;
  }

  /** How far the log is moved up against the space. */
  get offset(): number {
    return this.#top - this.#scrollTop;
  }

  /** True when the end of the log is in view. */
  get isAtEnd(): boolean {
    return this.#top >= this.#lastTop - 4;
  }

  /** Says how tall the log and its box are; the reader stays where they are, as far as that is still there. */
  resize(total: number, view: number): void {
    this.#total = total;
    this.#view = view;
    this.#top = this.#clamp(this.#top);
  }

  /** Hears that the box was scrolled; answers where the scroll position has to be set to, if anywhere. */
  scrolled(scrollTop: number): number | undefined {
    const moved = scrollTop - this.#scrollTop;
    this.#scrollTop = scrollTop;
    if (this.#total <= tallestPx) {
      this.#top = this.#clamp(scrollTop);
      return undefined;
    }
    const isJump = Math.abs(moved) > 2 * this.#view;
    this.#top = this.#clamp(isJump ? (scrollTop / this.#lastScrollTop) * this.#lastTop : this.#top + moved);
    const isEdge = scrollTop <= this.#view || scrollTop >= this.#lastScrollTop - this.#view;
    const wanted = this.#scrollTopFor(this.#top);
    // Near an end the two must come together, or it could not be reached.
    if (!isEdge) return undefined;
    if (Math.abs(wanted - scrollTop) < 1) {
      if (scrollTop <= 0) this.#top = 0;
      if (scrollTop >= this.#lastScrollTop) this.#top = this.#lastTop;
      return undefined;
    }
    this.#scrollTop = wanted;
    return wanted;
  }

  /** Goes to a place in the log; answers where the scroll position has to be set to. */
  moveTo(top: number): number {
    this.#top = this.#clamp(top);
    this.#scrollTop = this.#scrollTopFor(this.#top);
    return this.#scrollTop;
  }

  get #lastTop(): number {
    return Math.max(0, this.#total - this.#view);
  }

  get #lastScrollTop(): number {
    return Math.max(0, this.height - this.#view);
  }

  #scrollTopFor(top: number): number {
    if (this.#total <= tallestPx) return top;
    return this.#lastTop === 0 ? 0 : (top / this.#lastTop) * this.#lastScrollTop;
  }

  #clamp(top: number): number {
    return Math.min(this.#lastTop, Math.max(0, top));
  }
}
