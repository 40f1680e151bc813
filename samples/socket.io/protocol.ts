export interface Message {
  /** The id of the sender's socket. */
  readonly from: string;
  readonly text: string;
}

/** Called with the reason of a refusal, or `null`. */
export type Done = (refusal: string | null) => void;

export interface ClientToServerEvents {
  join: (room: string, done: Done) => void;
  say: (room: string, text: string, done: Done) => void;
}

export interface ServerToClientEvents {
  said: (message: Message) => void;
}
