* Successive-approximation converter of 6 bit of card sar_adc_65nm, its array binary
* Card sar_adc_65nm, each device drawn by the card's spreads, seed 1.
* Made by circuitsnn 0.1.0: circuitsnn netlist adc --dialect hspice --spread drawn --seed 1
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param V_low=0
.param V_high=1.2
.param V_offset=-0.00027114487960479006
.param R_switch=50k
.param C_unit=1f
.param t_edge=50f

.subckt coupling_switch a b control
G_Bcontact a b cur='V(a,b)*(1p+1000*0.5*(1+tanh(40*(V(control)-0.5))))'
.ends coupling_switch

Vbit_0 bit_0_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low' 3.75n 'V_low' '3.75n+t_edge' 'V_high')
Rbit_0 bit_0_target bit_0_settled 'R_switch'
Cbit_0_settled bit_0_settled 0 'C_unit'
Ebit_0 bit_0 0 bit_0_settled 0 1
Cbit_0 bit_0 top 1.0021944735762189e-15
Vbit_1 bit_1_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low' 3.25n 'V_low' '3.25n+t_edge' 'V_high' 3.75n 'V_high' '3.75n+t_edge' 'V_low')
Rbit_1 bit_1_target bit_1_settled 'R_switch'
Cbit_1_settled bit_1_settled 0 'C_unit'
Ebit_1 bit_1 0 bit_1_settled 0 1
Cbit_1 bit_1 top 2.02192187903208e-15
Vbit_2 bit_2_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low' 2.75n 'V_low' '2.75n+t_edge' 'V_high' 3.25n 'V_high' '3.25n+t_edge' 'V_low')
Rbit_2 bit_2_target bit_2_settled 'R_switch'
Cbit_2_settled bit_2_settled 0 'C_unit'
Ebit_2 bit_2 0 bit_2_settled 0 1
Cbit_2 bit_2 top 4.002633477931753e-15
Vbit_3 bit_3_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low' 2.25n 'V_low' '2.25n+t_edge' 'V_high')
Rbit_3 bit_3_target bit_3_settled 'R_switch'
Cbit_3_settled bit_3_settled 0 'C_unit'
Ebit_3 bit_3 0 bit_3_settled 0 1
Cbit_3 bit_3 top 8.018449435420918e-15
Vbit_4 bit_4_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low' 1.75n 'V_low' '1.75n+t_edge' 'V_high')
Rbit_4 bit_4_target bit_4_settled 'R_switch'
Cbit_4_settled bit_4_settled 0 'C_unit'
Ebit_4 bit_4 0 bit_4_settled 0 1
Cbit_4 bit_4 top 1.6075855565396302e-14
Vbit_5 bit_5_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_high' 1.75n 'V_high' '1.75n+t_edge' 'V_low')
Rbit_5 bit_5_target bit_5_settled 'R_switch'
Cbit_5_settled bit_5_settled 0 'C_unit'
Ebit_5 bit_5 0 bit_5_settled 0 1
Cbit_5 bit_5 top 3.2045997621296235e-14
Vdummy dummy_target 0 PWL(0 480m 1.25n 480m '1.25n+t_edge' 'V_low')
Rdummy dummy_target dummy_settled 'R_switch'
Cdummy_settled dummy_settled 0 'C_unit'
Edummy dummy 0 dummy_settled 0 1
Cdummy dummy top 1.0330271384158916e-15
Vhold hold 0 PWL(0 1 1.25n 1 '1.25n+t_edge' 0)
Cparasitic_top top 0 6.400000000000001e-15
Rhold_top top top_held 'R_switch/64'
Xhold_top top_held 0 hold coupling_switch
Einvert inverted 0 0 top 1
Voffset inverted difference 'V_offset'
Rcomparator difference 0 1meg

.option post=1 probe=1 delmax=50p reltol=1e-06 chgtol=1e-16 trtol=1
.probe tran v(top) v(difference)
.meas tran difference_0_5 FIND v(difference) AT=1.75n
.meas tran difference_0_4 FIND v(difference) AT=2.25n
.meas tran difference_0_3 FIND v(difference) AT=2.75n
.meas tran difference_0_2 FIND v(difference) AT=3.25n
.meas tran difference_0_1 FIND v(difference) AT=3.75n
.meas tran difference_0_0 FIND v(difference) AT=4.25n
.tran 50p 4.35n
.end
