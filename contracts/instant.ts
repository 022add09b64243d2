/** UTC, milliseconds: `2026-11-23T03:00:00.000Z`. */
export type IsoInstant = string
