/** The real nginx and HAProxy, each as one process that hands everything on from a listener to a target. */
import { type Folder, makeFolder } from './foreign-program.ts';
import { startServer } from './started-program.ts';

/** PEM texts: whom the other side must come from, and what is shown to it. */
export interface ProxyTls {
  readonly ca: string;
  /** Absent: nothing is shown, as a client may. */
  readonly own?: { readonly certPem: string; readonly keyPem: string };
}

export interface ProxyOptions {
  readonly port: number;
  readonly target: number;
  /** Mutual TLS in front. */
  readonly front?: ProxyTls;
  /** TLS towards the target, with a certificate if there is one. */
  readonly back?: ProxyTls;
}

export type ProxyName = 'nginx' | 'haproxy';

export async function startProxy(name: ProxyName, options: ProxyOptions): Promise<AsyncDisposable> {
  const folder = makeFolder();
  const [command, args] = name === 'nginx' ? nginx(options, folder) : haproxy(options, folder);
  return startServer({ name, command, args, port: options.port, folder });
}

function nginx({ port, target, front, back }: ProxyOptions, folder: Folder): [string, readonly string[]] {
  const shown = (tls: ProxyTls | undefined, side: string, prefix: string): string => {
    if (tls?.own === undefined) return '';
    const { cert, key } = folder.pair(side, { certPem: tls.own.certPem, keyPem: tls.own.keyPem });
    return `${prefix}ssl_certificate ${cert}; ${prefix}ssl_certificate_key ${key};`;
  };
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const file = folder.file(
    'nginx.conf',
    `daemon off; master_process off; pid ${folder.directory}/pid; error_log ${folder.directory}/error.log;
events {}
http {
  access_log off;
  ${places.map((place) => `${place}_temp_path ${folder.directory}/${place};`).join(' ')}
  client_max_body_size 0;
  upstream target { server 127.0.0.1:${target}; keepalive 16; }
  server {
    listen 127.0.0.1:${port}${front === undefined ? '' : ' ssl'};
    ${shown(front, 'front', '')}
    ${front === undefined ? '' : `ssl_client_certificate ${folder.file('front-ca.pem', front.ca)}; ssl_verify_client on;`}
    location / {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host localhost;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_pass ${back === undefined ? 'http' : 'https'}://target;
      ${shown(back, 'back', 'proxy_')}
      ${back === undefined ? '' : `proxy_ssl_trusted_certificate ${folder.file('back-ca.pem', back.ca)}; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;`}
    }
  }
}
`,
  );
  return ['nginx', ['-p', folder.directory, '-c', file]];
}

function haproxy({ port, target, front, back }: ProxyOptions, folder: Folder): [string, readonly string[]] {
  const secured = (tls: ProxyTls | undefined, side: string): string => {
    if (tls === undefined) return '';
    const own = tls.own === undefined ? '' : ` crt ${folder.file(`${side}.pem`, tls.own.certPem + tls.own.keyPem)}`;
    return ` ssl${own} ca-file ${folder.file(`${side}-ca.pem`, tls.ca)} verify required`;
  };
  const name = back === undefined ? '' : ' sni str(localhost) verifyhost localhost';
  const file = folder.file(
    'haproxy.cfg',
    `defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}${secured(front, 'front')}
  default_backend back
backend back
  http-request set-header Host localhost
  server target 127.0.0.1:${target}${secured(back, 'back')}${name}
`,
  );
  return ['haproxy', ['-db', '-f', file]];
}
