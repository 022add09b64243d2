import { establishedSockets } from '../../lab/links/connections'

test('connections are read as Linux writes them', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B034D7F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0B034D7F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 20 4 30 10 -1`
  expect(establishedSockets(table)).toEqual([{ local: '127.77.3.11:5432', remote: '127.0.0.1:50000', inode: '12' }])
})
