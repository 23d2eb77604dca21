/** Something under way that can be broken off. */
export interface Cancellable {
  cancel(): void;
}

/** Whether somebody still waits for what is under way. */
export class Cancellation {
  #cancelled = false;
  /** What is to be broken off; whoever is at work sets it, and takes it back at its end. */
  work: Cancellable | undefined;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.work?.cancel();
  }
}
