/** Which rows were written before a manifest began, told by the number of the transaction that wrote them (`xmin`), of which a row keeps 32 bits,
 *  for ever, whatever VACUUM does to it. */

/** A second manifest, or a copy, that is more transactions away cannot be held against the first. A row from before that bears, after the 32 bits
 *  have come round, one of the numbers in between is taken for newer, in every manifest alike, and so left out. */
export const TRANSACTIONS_MAX = 2 ** 28

const NUMBERS = 2 ** 32

/** SQL, true for rows that were written before. `horizon`: 64 bits as text. Never true for a row of a transaction that had not ended then. */
export function isOld(xmin: string, horizon: string): string {
  const low = BigInt(horizon) % BigInt(NUMBERS)
  // age() is how both compare with one and the same number; of rows frozen by old versions, and of those that initdb wrote, it is the greatest.
  return `((age('${low}'::xid)::bigint - age(${xmin})) & ${NUMBERS - 1}) >= ${TRANSACTIONS_MAX}`
}
