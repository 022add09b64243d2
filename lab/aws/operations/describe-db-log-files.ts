/** DescribeDBLogFiles: which logs there are, how large, and when they were last written to. */
import { sizeOfLog } from '../../postgres/log'
import { findInstance, type Operation } from '../cloud'
import { filtered, NO_FILTERS } from '../filters'
import { pageOf } from '../paging'
import { LOG_FILE } from './log-files'

export const describeDbLogFiles: Operation<'DescribeDBLogFiles'> = async (call) => {
  const { cloud, query } = call
  const path = cloud.servers.logFile(findInstance(call).folder)
  const logs = path === undefined ? [] : [{ name: LOG_FILE, ...sizeOfLog(path) }]
  const found = filtered(query, NO_FILTERS, logs).filter(
    ({ name, bytes, writtenAt }) =>
      name.includes(query.text('FilenameContains') ?? '') &&
      bytes >= (query.integer('FileSize') ?? 0) &&
      writtenAt.getTime() >= (query.integer('FileLastWritten') ?? 0),
  )
  const page = pageOf(query, found, ({ name }) => name)
  return {
    Marker: page.marker,
    DescribeDBLogFiles: page.items.map(({ name, bytes, writtenAt }) => ({
      LogFileName: name,
      LastWritten: writtenAt.getTime(),
      Size: bytes,
    })),
  }
}
