import { establishedSockets, socketsListed } from '../../lab/links/connections'

test('connections are read as Linux writes them, also where another user has to look', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B034D7F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0B034D7F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 20 4 30 10 -1`
  expect(establishedSockets(table)).toEqual([{ local: '127.77.3.11:5432', remote: '127.0.0.1:50000', inode: '12' }])
  const listing = `/proc/41/fd:
total 0
l-wx------ 1 1000 1000 64 Nov 28 12:00 2 -> /tmp/log
lrwx------ 1 1000 1000 64 Nov 28 12:00 5 -> socket:[12]

/proc/42/fd:
total 0
lrwx------ 1 1000 1000 64 Nov 28 12:00 6 -> socket:[13]`
  expect(socketsListed(listing)).toEqual([
    ['12', 41],
    ['13', 42],
  ])
})
