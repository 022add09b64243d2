/** `api-version`: whatever a client was made for is accepted, as long as it is one. */
import { AzureError } from '../errors'

/** @throws AzureError MissingApiVersionParameter, InvalidApiVersionParameter. */
export function parseApiVersion(version: unknown): string {
  const text = Array.isArray(version) ? version[0] : version
  if (typeof text !== 'string' || text === '') {
    throw new AzureError(
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    )
  }
  if (/^20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])(-(preview|alpha|beta|privatepreview))?$/.test(text)) return text
  throw new AzureError('InvalidApiVersionParameter', `The api-version '${text.slice(0, 64)}' is invalid.`)
}
