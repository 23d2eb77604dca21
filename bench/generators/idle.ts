/** Opens connections, asks once on each, says `ready`, and holds them without a word until its standard input ends. */
import { type Connection, connect, getRequest } from './connection.ts';

const [port = '', ca = '', clientPem = '', token = '', count = ''] = process.argv.slice(2);
const request = getRequest(token);
const held: Connection[] = [];
for (let index = 0; index < Number(count); index += 1) {
  const connection = await connect({ port: Number(port), ca, clientPem });
  const status = await connection.ask(request);
  if (status !== 200) throw new Error(`answered with ${status}`);
  held.push(connection);
}
process.stdout.write('ready\n');
process.stdin.resume().once('end', () => {
  for (const connection of held) connection.close();
});
