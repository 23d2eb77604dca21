import { Body, Controller, Delete, Get, Injectable, Module, Param, Post, UseGuards } from '@nestjs/common';
import { HttpModule, HttpService } from '@nestjs/axios';
import { nestGuards } from '@sidegate/sdk/nestjs';
import { firstValueFrom } from 'rxjs';
import { auth } from './auth.js';
import { TokenSource } from './token-source.js';

const guards = nestGuards(auth);
const ServiceOnly = () => UseGuards(guards.serviceOnly());

@Injectable()
export class WarehouseService {
  constructor(
    private readonly http: HttpService,
    private readonly tokens: TokenSource,
  ) {}

  async stock(sku: string): Promise<number> {
    const headers = { authorization: `Bearer ${await this.tokens.token('warehouse:read')}` };
    const response = await firstValueFrom(this.http.get(`http://warehouse.logistics.svc.cluster.local/stock/${sku}`, { headers }));
    return response.data.count;
  }
}

@Controller('inventory')
export class InventoryController {
  constructor(private readonly warehouse: WarehouseService) {}

  @Get('healthz')
  @UseGuards(guards.publicRoute())
  health() {
    return { status: 'ok' };
  }

  @Get(':sku')
  @UseGuards(guards.requireServiceAuth(['inventory:read']))
  stock(@Param('sku') sku: string) {
    return this.warehouse.stock(sku);
  }

  @Post('reservations')
  @UseGuards(guards.requireServiceAuth(['inventory:reserve']))
  reserve(@Body('sku') sku: string) {
    return { reserved: sku };
  }

  @ServiceOnly()
  @Delete('tenant/:tenantId')
  remove(@Param('tenantId') tenantId: string) {
    return { removed: tenantId };
  }
}

@Module({ imports: [HttpModule], controllers: [InventoryController], providers: [WarehouseService, TokenSource] })
export class InventoryModule {}
