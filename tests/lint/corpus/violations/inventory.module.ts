import { Body, Controller, Delete, Get, Headers, Injectable, Module, Param, Post, UseGuards } from '@nestjs/common';
import { HttpModule, HttpService } from '@nestjs/axios';
import { guards } from './guards.js';
import { firstValueFrom } from 'rxjs';

@Injectable()
export class WarehouseService {
  constructor(private readonly http: HttpService) {}

  async stock(sku: string): Promise<number> {
    const response = await firstValueFrom(this.http.get(`http://warehouse.logistics.svc.cluster.local/stock/${sku}`)); // finds: no-anonymous-service-call
    return response.data.count;
  }

  async reserve(sku: string, authorization: string): Promise<void> {
    await firstValueFrom(
      this.http.post(
        'http://warehouse.logistics.svc.cluster.local/reservations',
        { sku },
        { headers: { Authorization: authorization } }, // finds: no-user-token-forwarding
      ),
    );
  }
}

@Controller('inventory')
export class InventoryController {
  constructor(private readonly warehouse: WarehouseService) {}

  @Get(':sku') // finds: require-route-declaration
  stock(@Param('sku') sku: string) {
    return this.warehouse.stock(sku);
  }

  @Post('reservations')
  @UseGuards(guards.requireServiceAuth(['inventory:reserve']))
  reserve(@Body('sku') sku: string, @Headers('authorization') authorization: string) {
    return this.warehouse.reserve(sku, authorization);
  }

  @Delete('tenant/:tenantId') // finds: require-route-declaration
  remove(@Param('tenantId') tenantId: string) {
    return { removed: tenantId };
  }
}

@Module({ imports: [HttpModule], controllers: [InventoryController], providers: [WarehouseService] })
export class InventoryModule {}
