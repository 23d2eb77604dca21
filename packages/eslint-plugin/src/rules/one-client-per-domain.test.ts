import { testRule } from '../../../../tests/support/rule-cases.ts';
import { oneClientPerDomain } from './one-client-per-domain.ts';

const ofClass = (services: string) => ({ messageId: 'class', data: { services } });

testRule('one-client-per-domain', oneClientPerDomain, {
  wrong: [
    {
      name: 'one class for payments and the warehouse',
      code: "class HttpClient {\n charge() { return fetch('http://payment-service/charge', o); }\n reserve() { return fetch('http://inventory-service/reserve', o); }\n}",
      errors: [ofClass('payment-service, inventory-service')],
    },
    {
      name: 'the hosts are settings',
      code: 'class Backends {\n charge() { return fetch(`${settings.paymentServiceUrl}/charge`, o); }\n reserve() { return fetch(`${process.env.INVENTORY_SERVICE_URL}/reserve`, o); }\n}',
      errors: [ofClass('paymentServiceUrl, INVENTORY_SERVICE_URL')],
    },
    {
      name: 'two clients in one class',
      code: "import axios from 'axios';\nclass Gateway {\n payments = axios.create({ baseURL: 'http://payment-service' });\n stock = axios.create({ baseURL: 'http://inventory-service' });\n}",
      errors: [ofClass('payment-service, inventory-service')],
    },
    {
      name: 'one client, two hosts',
      code: "import axios from 'axios';\nconst api = axios.create({ headers });\napi.get('http://payment-service/a');\napi.get('http://inventory-service/b');",
      errors: [{ messageId: 'client', line: 2, data: { services: 'payment-service, inventory-service' } }],
    },
  ],
  right: [
    {
      name: 'one service, several paths',
      code: "class PaymentClient {\n charge() { return fetch('http://payment-service/charge', o); }\n refund() { return fetch('http://payment-service:8080/refund', o); }\n}",
    },
    {
      name: 'one service under two names',
      code: "class PaymentClient {\n charge() { return fetch(`${settings.paymentServiceUrl}/charge`, o); }\n refund() { return fetch('http://payment-service.shop.svc/refund', o); }\n}",
    },
    {
      name: 'the identity provider beside a service',
      code: "class PaymentClient {\n charge() { return fetch('http://payment-service/charge', o); }\n token() { return fetch('http://keycloak:8080/realms/main/protocol/openid-connect/token', o); }\n}",
    },
    {
      name: 'a public API beside a service',
      code: "class Rates {\n own() { return fetch('http://rates-service/a', o); }\n other() { return fetch('https://api.example.com/b'); }\n}",
    },
    {
      name: 'two classes in one file',
      code: "class A { get() { return fetch('http://payment-service/a', o); } }\nclass B { get() { return fetch('http://inventory-service/b', o); } }",
    },
    {
      name: 'one class, made for each service',
      code: "class Deletion { constructor(private readonly base: string) {}\n run() { return fetch(`${this.base}/tenant`, o); }\n preview() { return fetch(`${this.base}/preview`, o); } }\nnew Deletion('http://orders-service');\nnew Deletion('http://recipes-service');",
    },
  ],
});
