/** Names as a DNS has them. They are compared without regard to case and to the dot of the root; what has another script is written as `xn--…` (RFC 5890), so
 *  that two names which look alike are not taken for each other. */

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const NAME_LENGTH_MAX = 253

/** In lower case, without the root's dot; null: no name of two labels or more that a host could have. Escapes and wildcards are none. */
export function dnsName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (name.length > NAME_LENGTH_MAX || labels.length < 2 || !labels.every((label) => LABEL.test(label))) return null
  // an address is none, however it is written: no top-level domain is a number
  return /^[0-9]+$/.test(labels.at(-1) ?? '') ? null : name
}

/** Whether it is the zone's own name, or below it. Both as `dnsName` gives them. */
export function isWithinZone(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}

/** `127.0.0.1`, without zeros in front, as every service writes it; null: no address of four numbers. */
export function ipv4(text: string): string | null {
  const parts = text.split('.')
  const right = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  return right ? text : null
}
