/** The canary's master password: derived from the control plane's key, so that every attempt and every worker knows it and no
 *  history, ledger or log holds it. Whoever holds that key can tell it to a person. 43 characters of base64url, which every cloud accepts. */
import { createHmac } from 'node:crypto'
import type { OperationId } from '../../contracts/operation'

export function canaryPassword(secretKey: Buffer, operation: OperationId): string {
  return createHmac('sha256', secretKey).update(`canary-master/${operation}`).digest('base64url')
}
