/** `@sidegate/sdk/gateway`: a gateway that verifies tokens of users and services, and the services behind it. */
export { createGateway, type Gateway, type GatewayEvent, type GatewayOptions, type Passage } from './gateway.ts';
export { type GatewayContextOptions, gatewayContext } from './gateway-context.ts';
export { type GatewayMiddleware, gatewayMiddleware } from './middleware.ts';
