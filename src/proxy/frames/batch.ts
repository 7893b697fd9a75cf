/** The answers to a batch (wire.md §2.1): judged element by element, answered in one array once the last answer is there. */
export interface BatchAnswer {
  /** Takes an answer. Once it is the last, all of them, with commas between: the array without its brackets. */
  add(text: string): string | undefined;
  /** One answer fewer will come: its request was cancelled, and the others must not wait for it (I9). */
  forgo(): string | undefined;
}

/** Collects `expected` answers. */
export function createBatchAnswer(expected: number): BatchAnswer {
  const answers: string[] = [];
  let open = expected;
  const countDown = () => {
    open -= 1;
    return open === 0 && answers.length > 0 ? answers.join(',') : undefined;
  };
  return {
    add(text) {
      answers.push(text);
      return countDown();
    },
    forgo: countDown,
  };
}
