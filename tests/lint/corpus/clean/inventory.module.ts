import { Body, Controller, Delete, Get, Injectable, Module, Param, Post, UseGuards } from '@nestjs/common';
import { HttpModule, HttpService } from '@nestjs/axios';
import { PublicRoute, RequireServiceAuth, ServiceAuthGuard, ServiceOnly } from '@sidegate/sdk/nestjs';
import { firstValueFrom } from 'rxjs';
import { TokenSource } from './token-source.js';

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
@UseGuards(ServiceAuthGuard)
export class InventoryController {
  constructor(private readonly warehouse: WarehouseService) {}

  @Get('healthz')
  @PublicRoute()
  health() {
    return { status: 'ok' };
  }

  @Get(':sku')
  @RequireServiceAuth('inventory:read')
  stock(@Param('sku') sku: string) {
    return this.warehouse.stock(sku);
  }

  @Post('reservations')
  @RequireServiceAuth('inventory:reserve')
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
