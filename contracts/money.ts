/** Money as whole millionths of its currency's unit, so that sums of it do not drift. What is derived is rounded up: a limit that is promised must
 *  never be less than what it comes to. Pure. */

/** 1 EUR is 1,000,000. A double holds nine billion of a currency exactly. */
export type Micros = number

const DECIMALS = 6
const SHOWN_DECIMALS = 4

/** `0.193` is 193000. Null: it is no amount, is below nothing, has more than six decimals, or a thousand million or more. */
export function parseMicros(text: string): Micros | null {
  const match = /^([0-9]{1,9})(?:\.([0-9]{1,6}))?$/.exec(text)
  if (match?.[1] === undefined) return null
  return Number(match[1]) * 10 ** DECIMALS + Number((match[2] ?? '').padEnd(DECIMALS, '0'))
}

/** `12.30 EUR`: two decimals at least, four at most, rounded up. */
export function shownMoney(micros: Micros, currency: string): string {
  const units = Math.ceil(micros / 10 ** (DECIMALS - SHOWN_DECIMALS))
  const whole = Math.floor(units / 10 ** SHOWN_DECIMALS)
  const decimals = String(units % 10 ** SHOWN_DECIMALS).padStart(SHOWN_DECIMALS, '0')
  return `${whole}.${decimals.replace(/0{1,2}$/, '')} ${currency}`
}
