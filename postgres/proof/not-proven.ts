/** What a rung of the proof could not look at, by name. Never a finding, and never passed over: a proof says what it is a proof of. */
export interface NotProven {
  /** A relation as `schema.name`, or what it is, such as `sequences`. */
  readonly what: string
  readonly why: string
}
