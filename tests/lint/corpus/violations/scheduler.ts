/** Refreshes the token of the forecast service on its own clock. */
import ky from 'ky';

let accessToken = '';

const idp = process.env.IDP_URL!;
const forecast = ky.create({
  prefixUrl: process.env.FORECAST_SERVICE_URL!,
  hooks: { beforeRequest: [(request) => request.headers.set('authorization', `Bearer ${accessToken}`)] },
});

async function refresh(): Promise<void> {
  const answer = await ky
    .post(`${idp}/oauth2/token`, {
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'forecast:run', client_id: 'scheduler' }),
    })
    .json<{ access_token: string; expires_in: number }>();
  accessToken = answer.access_token; // finds: no-manual-token-cache
  setTimeout(() => void refresh(), (answer.expires_in - 30) * 1000).unref();
}

export async function start(): Promise<void> {
  await refresh();
  setInterval(() => void forecast.post('runs').json(), 60_000);
  setInterval(() => void ky.post('http://alert-processor-service:8000/heartbeat'), 10_000); // finds: no-anonymous-service-call
}
