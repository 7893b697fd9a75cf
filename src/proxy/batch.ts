/** The answers to a batch (wire.md §2.1): judged element by element, answered in one array once the last answer is there. */
export interface BatchAnswer {
  add(text: string): void;
}

/** Collects `expected` answers, then sends them as one array. */
export function createBatchAnswer(expected: number, send: (text: string) => void): BatchAnswer {
  const answers: string[] = [];
  return {
    add(text) {
      answers.push(text);
      if (answers.length === expected) send(`[${answers.join(',')}]`);
    },
  };
}
