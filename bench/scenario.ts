/** What every scenario is told. */
export interface ScenarioOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Only the rows that show most, few and short rounds. */
  readonly quick: boolean;
  /** Only rows whose names begin like one of these. */
  readonly rows: readonly string[] | undefined;
  /** Names of peers, or files of prototypes; the first is compared with the others. */
  readonly peers: readonly string[] | undefined;
  /** Where the profile of our sidecar goes, if it is to be profiled. */
  readonly profiles: string | undefined;
  readonly progress: (text: string) => void;
}
