/** Whether somebody still waits for what is under way; one listener, which is told at most once. */
export class Cancellation {
  #cancelled = false;
  /** Whoever is at work sets it; called at the moment of cancelling only. */
  onCancel: (() => void) | undefined;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.onCancel?.();
  }
}
