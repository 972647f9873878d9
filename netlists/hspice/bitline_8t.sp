* Read of a column of 16 cells of card sram_array_8t_65nm, 16 of them on
* Card sram_array_8t_65nm at TT and 300.15 K, all devices alike.
* Made by circuitsnn 0.1.0: circuitsnn netlist bitline --dialect hspice --card sram_array_8t_65nm --rows 16 --stored 01
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param V_DD=1.2
.param V_precharge=1.2
.param T_pulse=450p
.param C_BL_row=5e-16
.param C_BL_fixed=50f
.param R_precharge=1k
.param V_WL=600m
.param C_WL_supply=500p
.param C_WL_cell=4.5e-16
.param R_WL=191.488k
.param t_sample=880.848p
.param t_edge=9e-16
.param W_read_access=150n
.param L_read_access=65n
.param W_read_driver=150n
.param L_read_driver=65n
.param V_on='V_WL*C_WL_supply/(C_WL_supply+4096*C_WL_cell)'
.param V_T_nmos=450m
.param n_nmos=1.35
.param K_P_nmos=250u
.param theta_nmos=1.5
.param lambda_nmos=80m
.param sigma_nmos=40m
.param phi_t=0.025864925786328753

.subckt nmos d g s b W=120n L=65n threshold_shift=0 current_factor_shift=0
E_Bu_f u_f 0 vol='((V(g,b)-(V_T_nmos+threshold_shift)+sigma_nmos*(V(d,b)+V(s,b)))/n_nmos-V(s,b))/(2*phi_t)'
E_Bq_f q_f 0 vol='max(V(u_f),0)+log(1+exp(-abs(V(u_f))))'
E_Bu_r u_r 0 vol='((V(g,b)-(V_T_nmos+threshold_shift)+sigma_nmos*(V(d,b)+V(s,b)))/n_nmos-V(d,b))/(2*phi_t)'
E_Bq_r q_r 0 vol='max(V(u_r),0)+log(1+exp(-abs(V(u_r))))'
G_Bchannel d s cur='2*n_nmos*phi_t*phi_t*K_P_nmos*W/L*(1+current_factor_shift)*(V(q_f)-V(q_r))*(V(q_f)+V(q_r))*(1+lambda_nmos*(sqrt(V(d,s)*V(d,s)+4*phi_t*phi_t)-2*phi_t))/(1+theta_nmos*n_nmos*phi_t*(V(q_f)+V(q_r)))'
.ends nmos

.subckt coupling_switch a b control
G_Bcontact a b cur='V(a,b)*(1p+1000*0.5*(1+tanh(40*(V(control)-0.5))))'
.ends coupling_switch

.subckt cycle_meter supply drive energy on
Vsense supply drive 0
G_Bpower 0 energy cur='1n*V(on)*V(supply)*I(Vsense)'
Cenergy energy 0 1n
Rleak energy 0 1000000000000000.0
.ends cycle_meter

* cell0 stands for the 8 rows 0, 2, 4, 6, 8, 10, 12, 14
* cell1 stands for the 8 rows 1, 3, 5, 7, 9, 11, 13, 15
Vcycle cycle 0 PULSE(0 1 0 't_edge' 't_edge' 1k 2k)
Vdd vdd_source 0 'V_DD'
Xmeter_cell vdd_source vdd energy_cell cycle cycle_meter
Vprecharge precharge_source 0 'V_precharge'
Xmeter_precharge precharge_source precharge energy_precharge cycle cycle_meter
Vprecharge_on precharge_on 0 PULSE(1 0 0 't_edge' 't_edge' 't_sample-t_edge' 1k)
Rprecharge_bl precharge precharge_bl 'R_precharge'
Xprecharge_bl precharge_bl bl precharge_on coupling_switch
Cbl bl 0 'C_BL_fixed+16*C_BL_row'
Vdriver_1 driver_1_source 0 PULSE(0 'V_on' 0 't_edge' 't_edge' 'T_pulse-t_edge' 1k)
Xmeter_driver_1 driver_1_source driver_1 energy_driver_1 cycle cycle_meter
Rwl_0 driver_1 wl_0 'R_WL/8'
Cwl_0 wl_0 0 'C_WL_cell*8'
Xcell0_read_access bl wl_0 cell0_x 0 nmos W='8*W_read_access' L='L_read_access'
Xcell0_read_driver cell0_x 0 0 0 nmos W='8*W_read_driver' L='L_read_driver'
Rwl_1 driver_1 wl_1 'R_WL/8'
Cwl_1 wl_1 0 'C_WL_cell*8'
Xcell1_read_access bl wl_1 cell1_x 0 nmos W='8*W_read_access' L='L_read_access'
Xcell1_read_driver cell1_x vdd 0 0 nmos W='8*W_read_driver' L='L_read_driver'

.option post=1 probe=1 delmax=20p reltol=1e-06 chgtol=1e-18 trtol=1
.probe tran v(bl) v(energy_precharge) v(energy_cell) v(energy_driver_1)
.meas tran bl_sample FIND v(bl) AT=880.848p
.meas tran energy_precharge MAX v(energy_precharge)
.meas tran energy_cell MAX v(energy_cell)
.meas tran energy_driver_1 MAX v(energy_driver_1)
.tran 20p 4.880848e-09
.end
