* Two VO2 relaxation oscillators of card vo2_delacour2021 coupled by a resistor
* Card vo2_delacour2021, relaxed transitions, all devices alike.
* Made by circuitsnn 0.1.0: circuitsnn netlist pair --dialect hspice
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param V_DD=2.5
.param R_S=20k
.param C_P=500p
.param R_ins=100.2k
.param R_met=990
.param V_L=1
.param V_H=1.999
.param tau_0=10n
.param t_rise=100p
.param t_delay=5.394u
.param t_close=5.863u
.param R_C=10k

.subckt vo2_relaxed drive out metallic conductance R_ins=100.2k R_met=990 V_L=1 V_H=1.999 tau_0=10n tau_feedback=100f
G_Bfeedback 0 feedback cur='arsinh(20meg*((V(drive,out)-(V_H+V_L)/2)/((V_H-V_L)*1.00000092522)+0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))-0.5))'
Rfeedback feedback 0 1
Cfeedback feedback 0 'tau_feedback'
E_Bstate metallic 0 vol='0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))'
Grelax 0 conductance metallic 0 1m
Rrelax conductance 0 1k
Crelax conductance 0 'tau_0/1000'
G_Bdevice drive out cur='V(drive,out)*((1-V(conductance))/R_ins+V(conductance)/R_met)'
.ends vo2_relaxed

.subckt energy_meter supply drive energy
Vsense supply drive 0
G_Bpower 0 energy cur='1n*V(supply)*I(Vsense)'
Cenergy energy 0 1n
Rleak energy 0 1000000000000000.0
.ends energy_meter

.subckt coupling_switch a b control
G_Bcontact a b cur='V(a,b)*(1p+1000*0.5*(1+tanh(40*(V(control)-0.5))))'
.ends coupling_switch

Vosc0 osc0_vdd 0 PULSE(0 'V_DD' 0 't_rise' 't_rise' 1k 2k)
Xmeter_0 osc0_vdd osc0_drive osc0_energy energy_meter
Xosc0 osc0_drive osc0_out osc0_metallic osc0_conductance vo2_relaxed R_ins='R_ins' R_met='R_met' V_L='V_L' V_H='V_H' tau_0='tau_0'
Rs_0 osc0_out 0 'R_S'
Cp_0 osc0_out 0 'C_P'
Vosc1 osc1_vdd 0 PULSE(0 'V_DD' 't_delay' 't_rise' 't_rise' 1k 2k)
Xmeter_1 osc1_vdd osc1_drive osc1_energy energy_meter
Xosc1 osc1_drive osc1_out osc1_metallic osc1_conductance vo2_relaxed R_ins='R_ins' R_met='R_met' V_L='V_L' V_H='V_H' tau_0='tau_0'
Rs_1 osc1_out 0 'R_S'
Cp_1 osc1_out 0 'C_P'
Vcoupling coupling 0 PULSE(0 1 't_close' 't_rise' 't_rise' 1k 2k)
Xswitch_0 osc0_out osc0_bus coupling coupling_switch
Xswitch_1 osc1_out osc1_bus coupling coupling_switch
Rc_0_1 osc0_bus osc1_bus 'R_C'

.option post=1 probe=1 delmax=20n reltol=1e-06
.probe tran v(osc0_vdd) v(osc0_out) v(osc0_metallic) v(osc0_energy) v(osc1_vdd) v(osc1_out) v(osc1_metallic) v(osc1_energy)
.meas tran period TRIG v(osc0_metallic) VAL=0.5 RISE=8 TARG v(osc0_metallic) VAL=0.5 RISE=9
.meas tran lag_1 TRIG v(osc0_metallic) VAL=0.5 RISE=8 TARG v(osc1_metallic) VAL=0.5 RISE=8
.meas tran phase_1 PARAM='360*lag_1/period'
.meas tran energy_0 MAX v(osc0_energy)
.meas tran energy_1 MAX v(osc1_energy)
.tran 20n 221.6u
.end
