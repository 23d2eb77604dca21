/** Rounds in which every contender takes its turn, so that what the machine does meanwhile hits all of them. */
export interface Contender {
  readonly name: string;
  /** One round; the number is its cost. */
  measure(round: number): Promise<number>;
}

export interface Rounds {
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

/** @returns one list of costs for each contender, in its order */
export async function interleave(
  row: string,
  contenders: readonly Contender[],
  { rounds, progress }: Rounds,
): Promise<number[][]> {
  const costs = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const cost = await contender.measure(round);
      progress(`${row}, round ${round + 1} of ${rounds}: ${contender.name} ${cost.toFixed(1)}`);
      costs[index]?.push(cost);
    }
  }
  return costs;
}
