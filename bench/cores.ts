/** The machine's two halves: who is measured has one core for itself. */
export const PEER_CORE = 0;

/** Load generator and origin share it. */
export const LOAD_CORE = 1;
