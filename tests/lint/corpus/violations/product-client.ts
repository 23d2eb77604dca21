/** The client that the team copied from the tutorial: works in the cluster, asks without saying who asks. */
import axios, { type AxiosInstance } from 'axios';

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
}

export class ProductClient {
  private readonly client: AxiosInstance;

  constructor() {
    this.client = axios.create({ baseURL: 'http://product-service' }); // finds: no-anonymous-service-call
  }

  async getProduct(productId: string): Promise<Product> {
    const response = await this.client.get<Product>(`/products/${productId}`);
    return response.data;
  }

  async search(text: string): Promise<readonly Product[]> {
    const { data } = await this.client.get<Product[]>('/products', { params: { q: text } });
    return data;
  }
}
