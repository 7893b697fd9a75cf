/** The answers to a batch (wire.md §2.1): judged element by element, answered in one array once the last answer is there. */
export interface BatchAnswer {
  add(text: string): void;
  /** One answer fewer will come: its request was cancelled, and the others must not wait for it (I9). */
  forgo(): void;
}

/** Collects `expected` answers, then sends them as one array. */
export function createBatchAnswer(expected: number, send: (text: string) => void): BatchAnswer {
  const answers: string[] = [];
  let open = expected;
  const countDown = () => {
    open -= 1;
    if (open === 0 && answers.length > 0) send(`[${answers.join(',')}]`);
  };
  return {
    add(text) {
      answers.push(text);
      countDown();
    },
    forgo: countDown,
  };
}
