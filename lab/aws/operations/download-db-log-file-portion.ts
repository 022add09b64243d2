/** DownloadDBLogFilePortion: from a marker on, '0' being the beginning; or the last lines, when there is none. A portion is at most one
 *  mebibyte and 10,000 lines. Source: RDS API reference, DownloadDBLogFilePortion. */
import { readLog, readLogEnd } from '../../postgres/log'
import { findInstance, type Operation } from '../cloud'
import { invalidValue } from '../errors'
import { findLog } from './log-files'

const BYTES_MAX = 1024 * 1024
const LINES_MAX = 10_000

export const downloadDbLogFilePortion: Operation<'DownloadDBLogFilePortion'> = async (call) => {
  const { cloud, query } = call
  const path = findLog(cloud, findInstance(call), query.required('LogFileName'))
  const lines = query.integer('NumberOfLines') ?? LINES_MAX
  if (lines < 1 || lines > LINES_MAX)
    throw invalidValue(`Invalid value ${lines} for NumberOfLines. Must be between 1 and ${LINES_MAX}`)
  const marker = query.text('Marker')
  if (marker !== undefined && !/^\d{1,15}$/.test(marker)) throw invalidValue(`Invalid marker: ${marker}`)
  const limit = { bytesMax: BYTES_MAX, linesMax: lines }
  const { text, next, bytes } = marker === undefined ? readLogEnd(path, limit) : readLog(path, { ...limit, from: Number(marker) })
  return { LogFileData: text, Marker: String(next), AdditionalDataPending: next < bytes }
}
